DELETE FROM temp."StagingOrder_1" WHERE oid IN (SELECT arrival FROM (
    SELECT oid AS arrival, ROW_NUMBER() OVER (
        PARTITION BY "RowId" ORDER BY oid DESC
    ) AS version FROM temp."StagingOrder_1"
) WHERE version > 1);
