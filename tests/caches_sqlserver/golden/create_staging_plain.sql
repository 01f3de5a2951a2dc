CREATE TABLE [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] (
    [C1] nvarchar(5) NULL,
    [C2] bigint NULL,
    [C3] decimal(15,4) NULL,
    [C4] nvarchar(max) NULL,
    [C5] varbinary(max) NULL,
    [C6] bit NULL,
    [C7] date NULL,
    [C8] time(7) NULL,
    [C9] datetime2(7) NULL,
    [C10] float(53) NULL,
    [C11] datetime2(7) NULL,
    [Arrival] bigint NOT NULL
)
