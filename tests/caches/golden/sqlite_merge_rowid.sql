INSERT INTO main."Order" AS t ("RowId", "Line ""no""", "IXF$RP")
SELECT "RowId", "Line ""no""", "IXF$RP" FROM temp."StagingOrder_1" WHERE true
ON CONFLICT ("RowId") DO UPDATE SET "Line ""no""" = excluded."Line ""no""", "IXF$RP" = excluded."IXF$RP"
WHERE ((t."Line ""no""" IS NOT excluded."Line ""no""" OR t."IXF$RP" IS NOT excluded."IXF$RP"));
