CREATE TABLE [dbo].[AfreshAction] (
    [Id] bigint IDENTITY(1,1) NOT NULL PRIMARY KEY CLUSTERED,
    [ActionDT] datetime2(7) NOT NULL,
    [Who] nvarchar(400) NOT NULL,
    [Action] nvarchar(20) NOT NULL,
    [TableName] nvarchar(128) NOT NULL,
    [SourceSystem] nvarchar(400) NOT NULL,
    [OperationId] nvarchar(64) NOT NULL,
    [Reason] nvarchar(max) NOT NULL,
    [Argument] nvarchar(400) NOT NULL
)
