INSERT INTO main."Order" ("Order", "Line ""no""") SELECT "Order", "Line ""no""" FROM main."ShadowOrder_1";
