ALTER TABLE [dbo].[Order Detail] ADD [A] nvarchar(max) NULL, [B]]] nvarchar(max) NULL
