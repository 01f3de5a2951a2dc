UPDATE t SET
    [Id] = CONVERT(uniqueidentifier, s.[C2]),
    [Amount] = CONVERT(decimal(18,4), s.[C3]),
    [Changed] = CONVERT(smalldatetime, s.[C4])
FROM [dbo].[Order Detail] AS t WITH (UPDLOCK, HOLDLOCK)
INNER JOIN [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] AS s ON t.[Code] = CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS) COLLATE Latin1_General_CI_AS AND t.[Code] COLLATE Latin1_General_100_BIN2 = CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS) COLLATE Latin1_General_100_BIN2 AND DATALENGTH(t.[Code]) = DATALENGTH(CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS))
WHERE (t.[Changed] IS NULL OR CONVERT(smalldatetime, s.[C4]) >= t.[Changed]) AND ((t.[Id] <> CONVERT(uniqueidentifier, s.[C2]) OR (t.[Id] IS NULL AND s.[C2] IS NOT NULL) OR (t.[Id] IS NOT NULL AND s.[C2] IS NULL) OR t.[Amount] <> CONVERT(decimal(18,4), s.[C3]) OR (t.[Amount] IS NULL AND s.[C3] IS NOT NULL) OR (t.[Amount] IS NOT NULL AND s.[C3] IS NULL) OR t.[Changed] <> CONVERT(smalldatetime, s.[C4]) OR (t.[Changed] IS NULL AND s.[C4] IS NOT NULL) OR (t.[Changed] IS NOT NULL AND s.[C4] IS NULL)))
