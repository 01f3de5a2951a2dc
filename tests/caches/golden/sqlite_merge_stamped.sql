INSERT INTO main."Order" AS t ("Order", "Line ""no""", "IXF$RP", "Open", "Weight", "Picture", "Day", "Time", "Read", "Changed")
SELECT "Order", "Line ""no""", "IXF$RP", "Open", "Weight", "Picture", "Day", "Time", "Read", "Changed" FROM temp."StagingOrder_1" WHERE true
ON CONFLICT ("Order", "Line ""no""") DO UPDATE SET "IXF$RP" = excluded."IXF$RP", "Open" = excluded."Open", "Weight" = excluded."Weight", "Picture" = excluded."Picture", "Day" = excluded."Day", "Time" = excluded."Time", "Read" = excluded."Read", "Changed" = excluded."Changed"
WHERE (t."Changed" IS NULL OR excluded."Changed" >= t."Changed")
  AND ((t."IXF$RP" IS NOT excluded."IXF$RP" OR t."Open" IS NOT excluded."Open" OR t."Weight" IS NOT excluded."Weight" OR t."Picture" IS NOT excluded."Picture" OR t."Day" IS NOT excluded."Day" OR t."Time" IS NOT excluded."Time" OR t."Read" IS NOT excluded."Read" OR t."Changed" IS NOT excluded."Changed"));
