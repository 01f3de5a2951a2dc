CREATE TABLE main."Order" (
    "Order" INTEGER NOT NULL,
    "Line ""no""" TEXT NOT NULL,
    "IXF$RP" TEXT,
    "Open" INTEGER NOT NULL,
    "Weight" REAL,
    "Picture" BLOB,
    "Day" TEXT,
    "Time" TEXT,
    "Read" TEXT,
    "Changed" TEXT,
    PRIMARY KEY ("Order", "Line ""no""")
) STRICT;
