INSERT INTO main."Order" ("RowId", "Line ""no""", "IXF$RP") SELECT "RowId", "Line ""no""", "IXF$RP" FROM main."ShadowOrder_1";
