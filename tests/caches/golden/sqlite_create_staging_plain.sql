CREATE TEMP TABLE temp."StagingOrder_1" ("Order", "Line ""no""", "IXF$RP");
