
CREATE TABLE IF NOT EXISTS DataUpdate (
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    TableName TEXT NOT NULL,
    SourceSystem TEXT NOT NULL,
    UpdateType INTEGER NOT NULL CHECK (UpdateType IN (1, 2, 3)),
    StartDT TEXT NOT NULL,
    EndDT TEXT,
    WasSuccessful INTEGER CHECK (WasSuccessful IN (0, 1)),
    NumberRecords INTEGER NOT NULL,
    MinimumDT TEXT,
    SourceDT TEXT,
    OperationId TEXT NOT NULL UNIQUE,
    InstanceId TEXT NOT NULL,
    RowsInserted INTEGER NOT NULL DEFAULT 0,
    RowsUpdated INTEGER NOT NULL DEFAULT 0,
    RowsUnchanged INTEGER NOT NULL DEFAULT 0,
    RowsDeleted INTEGER NOT NULL DEFAULT 0,
    RowsDuplicate INTEGER NOT NULL DEFAULT 0,
    Outcome TEXT,
    Reason TEXT NOT NULL DEFAULT '',
    ErrorMessage TEXT,
    Cause TEXT,
    Details TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS DataUpdateOpen ON DataUpdate (TableName) WHERE NumberRecords = -2;
CREATE INDEX IF NOT EXISTS DataUpdateByTable ON DataUpdate (TableName, UpdateType, WasSuccessful, Id);
CREATE INDEX IF NOT EXISTS DataUpdateByStart ON DataUpdate (StartDT);
CREATE INDEX IF NOT EXISTS DataUpdateOfTable ON DataUpdate (TableName, Id);
CREATE INDEX IF NOT EXISTS DataUpdateByOutcome ON DataUpdate (Outcome, Id);
CREATE VIEW IF NOT EXISTS LastDataUpdates AS
SELECT * FROM DataUpdate WHERE Id IN (
    SELECT max(Id) FROM DataUpdate WHERE WasSuccessful = 1 GROUP BY TableName, UpdateType
);
CREATE TABLE IF NOT EXISTS AfreshLease (
    Name TEXT NOT NULL PRIMARY KEY,
    Holder TEXT NOT NULL,
    Fence INTEGER NOT NULL,
    ExpiresDT TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS AfreshColumn (
    TableName TEXT NOT NULL,
    Position INTEGER NOT NULL,
    ColumnName TEXT NOT NULL,
    Type TEXT NOT NULL,
    PRIMARY KEY (TableName, ColumnName)
) STRICT;
CREATE TABLE IF NOT EXISTS AfreshAction (
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    ActionDT TEXT NOT NULL,
    Who TEXT NOT NULL,
    Action TEXT NOT NULL,
    TableName TEXT NOT NULL,
    SourceSystem TEXT NOT NULL,
    OperationId TEXT NOT NULL,
    Reason TEXT NOT NULL,
    Argument TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS AfreshActionLatest ON AfreshAction (Action, TableName, SourceSystem, Id);
CREATE INDEX IF NOT EXISTS DataUpdateOfTableByStart ON DataUpdate (TableName, StartDT);
CREATE INDEX IF NOT EXISTS DataUpdateOfOutcomeByStart ON DataUpdate (Outcome, StartDT);
