CREATE TABLE [dbo].[AfreshAction] (
    [Id] bigint IDENTITY(1,1) NOT NULL PRIMARY KEY CLUSTERED,
    [ActionDT] datetime2(7) NOT NULL,
    [Who] nvarchar(400) NOT NULL,
    [Action] nvarchar(20) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [TableName] nvarchar(128) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [SourceSystem] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [OperationId] nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [Reason] nvarchar(max) NOT NULL,
    [Argument] nvarchar(400) NOT NULL
)
