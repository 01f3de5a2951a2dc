CREATE TABLE [dbo].[Order Detail] (
    [Company] nvarchar(5) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [Number] bigint NOT NULL,
    [Price] decimal(15,4) NULL,
    [Note] nvarchar(max) COLLATE SQL_Latin1_General_CP1_CI_AS NULL,
    [Scan] varbinary(max) NULL,
    [Open]]] bit NOT NULL,
    [Due] date NULL,
    [At] time(7) NULL,
    [Entered] datetime2(7) NULL,
    [Weight] float(53) NULL,
    [Changed] datetime2(7) NULL,
    PRIMARY KEY CLUSTERED ([Company], [Number])
)
