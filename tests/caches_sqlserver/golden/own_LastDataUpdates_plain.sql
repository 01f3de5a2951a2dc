CREATE VIEW [dbo].[LastDataUpdates] AS
SELECT [Id], [TableName], [SourceSystem], [UpdateType], [StartDT], [EndDT], [WasSuccessful], [NumberRecords], [MinimumDT], [SourceDT], [OperationId], [InstanceId], [RowsInserted], [RowsUpdated], [RowsUnchanged], [RowsDeleted], [RowsDuplicate], [Outcome], [Reason], [ErrorMessage], [Cause], [Details] FROM [dbo].[DataUpdate] WHERE [Id] IN (
    SELECT MAX([Id]) FROM [dbo].[DataUpdate] WHERE [WasSuccessful] = 1 GROUP BY [TableName], [UpdateType]
)
