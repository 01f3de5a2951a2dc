SELECT count(*), coalesce(sum(differs), 0) FROM (
    SELECT false AS differs FROM main."ShadowOrder_1" AS s JOIN main."Order" AS t ON t."Order" = s."Order" AND t."Line ""no""" = s."Line ""no""" LIMIT -1
);
