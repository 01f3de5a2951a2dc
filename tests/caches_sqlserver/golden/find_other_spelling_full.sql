SELECT TOP (1) CONVERT(nvarchar(60), s.[C1]), CONVERT(nvarchar(60), s.[C2]) FROM [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] AS s
INNER JOIN [dbo].[Order Detail] AS t ON t.[Company] = s.[C1] COLLATE Latin1_General_100_BIN2 AND t.[Number] = s.[C2]
WHERE NOT (t.[Company] = s.[C1] AND DATALENGTH(t.[Company]) = DATALENGTH(s.[C1]) AND t.[Number] = s.[C2])
