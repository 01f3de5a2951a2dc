CREATE TEMP TABLE temp."StagingOrder_1" ("Order", "Line ""no""", "IXF$RP", "Open", "Weight", "Picture", "Day", "Time", "Read", "Changed");
