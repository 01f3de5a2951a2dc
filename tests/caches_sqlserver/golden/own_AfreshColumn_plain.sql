CREATE TABLE [dbo].[AfreshColumn] (
    [TableName] nvarchar(128) NOT NULL,
    [Position] int NOT NULL,
    [ColumnName] nvarchar(128) NOT NULL,
    [Type] nvarchar(40) NOT NULL,
    PRIMARY KEY CLUSTERED ([TableName], [ColumnName])
)
