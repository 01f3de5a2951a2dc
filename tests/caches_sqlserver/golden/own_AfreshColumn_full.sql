CREATE TABLE [dbo].[AfreshColumn] (
    [TableName] nvarchar(128) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [Position] int NOT NULL,
    [ColumnName] nvarchar(128) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [Type] nvarchar(40) NOT NULL,
    PRIMARY KEY CLUSTERED ([TableName], [ColumnName])
)
