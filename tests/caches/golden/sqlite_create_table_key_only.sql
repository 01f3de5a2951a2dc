CREATE TABLE main."Order" (
    "Order" INTEGER NOT NULL,
    "Line ""no""" TEXT NOT NULL,
    PRIMARY KEY ("Order", "Line ""no""")
) STRICT;
