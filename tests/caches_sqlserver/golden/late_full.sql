SELECT COUNT_BIG(*), CONVERT(nvarchar(27), MIN(s.[C11]), 126)
FROM [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] AS s WHERE s.[C11] < CONVERT(datetime2(7), '2026-03-02T08:30:00.000000', 126)
AND EXISTS (SELECT 1 FROM [dbo].[Order Detail]) AND NOT EXISTS (
    SELECT 1 FROM [dbo].[Order Detail] AS t WHERE t.[Company] = s.[C1] AND DATALENGTH(t.[Company]) = DATALENGTH(s.[C1]) AND t.[Number] = s.[C2] AND t.[Changed] >= s.[C11]
)
