SELECT count(*), coalesce(sum(differs), 0) FROM (
    SELECT ((t."Line ""no""" IS NOT s."Line ""no""" OR t."IXF$RP" IS NOT s."IXF$RP")) AS differs FROM main."ShadowOrder_1" AS s JOIN main."Order" AS t ON t."RowId" = s."RowId" LIMIT -1
);
