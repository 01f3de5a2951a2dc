CREATE TEMP TABLE temp."StagingOrder_1" ("RowId", "Line ""no""", "IXF$RP");
