INSERT INTO main."Order" AS t ("Order", "Line ""no""")
SELECT "Order", "Line ""no""" FROM temp."StagingOrder_1" WHERE true
ON CONFLICT ("Order", "Line ""no""") DO NOTHING;
