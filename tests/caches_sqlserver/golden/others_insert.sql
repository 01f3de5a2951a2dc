INSERT INTO [dbo].[Order Detail] ([Code], [Id], [Amount], [Changed])
SELECT CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS), CONVERT(uniqueidentifier, s.[C2]), CONVERT(decimal(18,4), s.[C3]), CONVERT(smalldatetime, s.[C4])
FROM [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] AS s WHERE NOT EXISTS (
    SELECT 1 FROM [dbo].[Order Detail] AS t WITH (UPDLOCK, HOLDLOCK) WHERE t.[Code] = CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS) COLLATE Latin1_General_CI_AS AND t.[Code] COLLATE Latin1_General_100_BIN2 = CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS) COLLATE Latin1_General_100_BIN2 AND DATALENGTH(t.[Code]) = DATALENGTH(CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS))
)
