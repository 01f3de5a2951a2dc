INSERT INTO [dbo].[Order Detail] ([Company], [Number], [Price], [Note], [Scan], [Open]]], [Due], [At], [Entered], [Weight], [Changed])
SELECT s.[C1], s.[C2], s.[C3], s.[C4], s.[C5], s.[C6], s.[C7], s.[C8], s.[C9], s.[C10], s.[C11]
FROM [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] AS s WHERE NOT EXISTS (
    SELECT 1 FROM [dbo].[Order Detail] AS t WHERE t.[Company] = s.[C1] AND DATALENGTH(t.[Company]) = DATALENGTH(s.[C1]) AND t.[Number] = s.[C2]
)
