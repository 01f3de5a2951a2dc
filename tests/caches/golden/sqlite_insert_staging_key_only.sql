INSERT INTO temp."StagingOrder_1" VALUES (?, ?);
