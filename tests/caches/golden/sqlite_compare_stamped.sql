SELECT count(*), coalesce(sum(differs), 0) FROM (
    SELECT ((t."IXF$RP" IS NOT s."IXF$RP" OR t."Open" IS NOT s."Open" OR t."Weight" IS NOT s."Weight" OR t."Picture" IS NOT s."Picture" OR t."Day" IS NOT s."Day" OR t."Time" IS NOT s."Time" OR t."Read" IS NOT s."Read" OR t."Changed" IS NOT s."Changed")) AS differs FROM main."ShadowOrder_1" AS s JOIN main."Order" AS t ON t."Order" = s."Order" AND t."Line ""no""" = s."Line ""no""" LIMIT -1
);
