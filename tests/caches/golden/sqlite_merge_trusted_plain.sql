INSERT INTO main."Order" AS t ("Order", "Line ""no""", "IXF$RP")
SELECT "Order", "Line ""no""", "IXF$RP" FROM temp."StagingOrder_1" WHERE true
ON CONFLICT ("Order", "Line ""no""") DO UPDATE SET "IXF$RP" = excluded."IXF$RP"
WHERE ((t."IXF$RP" IS NOT excluded."IXF$RP"));
