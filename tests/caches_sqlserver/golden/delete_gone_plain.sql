DELETE t FROM [dbo].[Order Detail] AS t WHERE NOT EXISTS (
    SELECT 1 FROM [dbo].[ShadowOrder_Detail_0123456789abcdef0123456789abcdef] AS s WHERE t.[Company] = s.[Company] AND DATALENGTH(t.[Company]) = DATALENGTH(s.[Company]) AND t.[Number] = s.[Number]
)
