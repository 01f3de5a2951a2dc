CREATE TABLE [dbo].[AfreshLease] (
    [Name] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL PRIMARY KEY CLUSTERED,
    [Holder] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [Fence] bigint NOT NULL,
    [ExpiresDT] datetime2(7) NOT NULL
);
INSERT INTO [dbo].[AfreshLease] ([Name], [Holder], [Fence], [ExpiresDT]) VALUES (N'', N'', 0, '0001-01-01')
