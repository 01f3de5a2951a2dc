CREATE NONCLUSTERED INDEX [By price] ON [dbo].[Order Detail] ([Price] DESC, [Number] ASC) INCLUDE ([Note]) WHERE ([Price]>(0)) WITH (FILLFACTOR = 80)
