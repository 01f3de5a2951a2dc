CREATE TABLE main."Order" (
    "RowId" INTEGER NOT NULL,
    "Line ""no""" TEXT,
    "IXF$RP" TEXT,
    PRIMARY KEY ("RowId")
) STRICT;
