SELECT count(*) FROM temp."StagingOrder_1" AS s WHERE EXISTS (SELECT 1 FROM main."Order" AS t WHERE t."RowId" = s."RowId");
