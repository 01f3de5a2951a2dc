DELETE FROM temp."StagingOrder_1" WHERE rowid IN (SELECT arrival FROM (
    SELECT rowid AS arrival, ROW_NUMBER() OVER (
        PARTITION BY "Order", "Line ""no""" ORDER BY CASE WHEN "Changed" >= ? AND "Changed" < ? THEN ? WHEN "Changed" >= ? AND "Changed" < ? THEN ? ELSE "Changed" END DESC, rowid DESC
    ) AS version FROM temp."StagingOrder_1"
) WHERE version > 1);
