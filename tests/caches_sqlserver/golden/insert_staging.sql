INSERT INTO [afresh].[StagingOrder_Detail_0123456789abcdef0123456789abcdef] ([C1], [C2], [C3], [C4], [C5], [C6], [C7], [C8], [C9], [C10], [C11], [Arrival]) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
