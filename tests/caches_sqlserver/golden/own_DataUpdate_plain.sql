CREATE TABLE [dbo].[DataUpdate] (
    [Id] bigint IDENTITY(1,1) NOT NULL PRIMARY KEY CLUSTERED,
    [TableName] nvarchar(128) NOT NULL,
    [SourceSystem] nvarchar(400) NOT NULL,
    [UpdateType] int NOT NULL CHECK ([UpdateType] IN (1, 2, 3)),
    [StartDT] datetime2(7) NOT NULL,
    [EndDT] datetime2(7) NULL,
    [WasSuccessful] bit NULL,
    [NumberRecords] bigint NOT NULL,
    [MinimumDT] datetime2(7) NULL,
    [SourceDT] datetime2(7) NULL,
    [OperationId] nvarchar(64) NOT NULL UNIQUE,
    [InstanceId] nvarchar(400) NOT NULL,
    [RowsInserted] bigint NOT NULL DEFAULT 0,
    [RowsUpdated] bigint NOT NULL DEFAULT 0,
    [RowsUnchanged] bigint NOT NULL DEFAULT 0,
    [RowsDeleted] bigint NOT NULL DEFAULT 0,
    [RowsDuplicate] bigint NOT NULL DEFAULT 0,
    [Outcome] nvarchar(20) NULL,
    [Reason] nvarchar(max) NOT NULL,
    [ErrorMessage] nvarchar(max) NULL,
    [Cause] nvarchar(40) NULL,
    [Details] nvarchar(max) NULL
);
CREATE INDEX [DataUpdateByTable] ON [dbo].[DataUpdate] ([TableName], [UpdateType], [WasSuccessful]);
CREATE INDEX [DataUpdateByStart] ON [dbo].[DataUpdate] ([StartDT]);
CREATE INDEX [DataUpdateOfTable] ON [dbo].[DataUpdate] ([TableName], [Id]);
CREATE INDEX [DataUpdateByOutcome] ON [dbo].[DataUpdate] ([Outcome], [Id]);
CREATE INDEX [DataUpdateOfTableByStart] ON [dbo].[DataUpdate] ([TableName], [StartDT]);
CREATE INDEX [DataUpdateOfOutcomeByStart] ON [dbo].[DataUpdate] ([Outcome], [StartDT])
