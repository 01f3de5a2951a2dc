SELECT COUNT_BIG(*), CONVERT(nvarchar(27), MIN(s.[C4]), 126)
FROM [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] AS s WHERE s.[C4] < CONVERT(datetime2(7), '2026-03-02T08:30:00.000000', 126)
AND EXISTS (SELECT 1 FROM [dbo].[Order Detail]) AND NOT EXISTS (
    SELECT 1 FROM [dbo].[Order Detail] AS t WHERE t.[Code] = CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS) COLLATE Latin1_General_CI_AS AND t.[Code] COLLATE Latin1_General_100_BIN2 = CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS) COLLATE Latin1_General_100_BIN2 AND DATALENGTH(t.[Code]) = DATALENGTH(CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS)) AND t.[Changed] >= CONVERT(smalldatetime, s.[C4])
)
