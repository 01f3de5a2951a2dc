SELECT count(*) FROM temp."StagingOrder_1" AS s WHERE EXISTS (SELECT 1 FROM main."Order" AS t WHERE t."Order" = s."Order" AND t."Line ""no""" = s."Line ""no""");
