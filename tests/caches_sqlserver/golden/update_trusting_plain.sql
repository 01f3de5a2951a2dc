UPDATE t SET
    [Price] = s.[C3],
    [Note] = s.[C4],
    [Scan] = s.[C5],
    [Open]]] = s.[C6],
    [Due] = s.[C7],
    [At] = s.[C8],
    [Entered] = s.[C9],
    [Weight] = s.[C10],
    [Changed] = s.[C11]
FROM [dbo].[Order Detail] AS t
INNER JOIN [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] AS s ON t.[Company] = s.[C1] AND DATALENGTH(t.[Company]) = DATALENGTH(s.[C1]) AND t.[Number] = s.[C2]
WHERE ((t.[Price] <> s.[C3] OR (t.[Price] IS NULL AND s.[C3] IS NOT NULL) OR (t.[Price] IS NOT NULL AND s.[C3] IS NULL) OR t.[Note] <> s.[C4] OR DATALENGTH(t.[Note]) <> DATALENGTH(s.[C4]) OR (t.[Note] IS NULL AND s.[C4] IS NOT NULL) OR (t.[Note] IS NOT NULL AND s.[C4] IS NULL) OR t.[Scan] <> s.[C5] OR DATALENGTH(t.[Scan]) <> DATALENGTH(s.[C5]) OR (t.[Scan] IS NULL AND s.[C5] IS NOT NULL) OR (t.[Scan] IS NOT NULL AND s.[C5] IS NULL) OR t.[Open]]] <> s.[C6] OR t.[Due] <> s.[C7] OR (t.[Due] IS NULL AND s.[C7] IS NOT NULL) OR (t.[Due] IS NOT NULL AND s.[C7] IS NULL) OR t.[At] <> s.[C8] OR (t.[At] IS NULL AND s.[C8] IS NOT NULL) OR (t.[At] IS NOT NULL AND s.[C8] IS NULL) OR t.[Entered] <> s.[C9] OR (t.[Entered] IS NULL AND s.[C9] IS NOT NULL) OR (t.[Entered] IS NOT NULL AND s.[C9] IS NULL) OR t.[Weight] <> s.[C10] OR (t.[Weight] IS NULL AND s.[C10] IS NOT NULL) OR (t.[Weight] IS NOT NULL AND s.[C10] IS NULL) OR t.[Changed] <> s.[C11] OR (t.[Changed] IS NULL AND s.[C11] IS NOT NULL) OR (t.[Changed] IS NOT NULL AND s.[C11] IS NULL)))
