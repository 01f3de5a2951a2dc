INSERT INTO main."Order" ("Order", "Line ""no""", "IXF$RP") SELECT "Order", "Line ""no""", "IXF$RP" FROM main."ShadowOrder_1";
