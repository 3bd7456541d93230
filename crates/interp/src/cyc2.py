import cyc1
y = getattr(cyc1, 'x', 'not yet')
