SELECT count(*), min(s."Changed") FROM temp."StagingOrder_1" AS s
WHERE s."Changed" < ? AND EXISTS (SELECT 1 FROM main."Order") AND NOT EXISTS (SELECT 1 FROM main."Order" AS t WHERE t."Order" = s."Order" AND t."Line ""no""" = s."Line ""no""" AND t."Changed" >= s."Changed");
