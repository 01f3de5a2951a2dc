CREATE TABLE [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] (
    [C1] nvarchar(20) COLLATE Latin1_General_100_BIN2 NULL,
    [C2] nvarchar(60) COLLATE Latin1_General_100_BIN2 NULL,
    [C3] decimal(15,2) NULL,
    [C4] datetime2(7) NULL,
    [Arrival] bigint NOT NULL
)
