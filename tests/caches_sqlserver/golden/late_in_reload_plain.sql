SELECT COUNT_BIG(*), CONVERT(nvarchar(27), MIN(s.[Changed]), 126)
FROM [dbo].[ShadowOrder_Detail_0123456789abcdef0123456789abcdef] AS s WHERE s.[Changed] < CONVERT(datetime2(7), '2026-03-02T08:30:00.000000', 126)
AND EXISTS (SELECT 1 FROM [dbo].[Order Detail]) AND NOT EXISTS (
    SELECT 1 FROM [dbo].[Order Detail] AS t WHERE t.[Company] = s.[Company] AND DATALENGTH(t.[Company]) = DATALENGTH(s.[Company]) AND t.[Number] = s.[Number] AND t.[Changed] >= s.[Changed]
)
