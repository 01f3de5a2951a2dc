CREATE TABLE main."Order" (
    "Order" INTEGER NOT NULL,
    "Line ""no""" TEXT NOT NULL,
    "IXF$RP" TEXT,
    PRIMARY KEY ("Order", "Line ""no""")
) STRICT;
