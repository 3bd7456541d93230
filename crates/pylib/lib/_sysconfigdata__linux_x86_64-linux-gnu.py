from _adder_build import variables

build_time_vars = variables('x86_64-linux-gnu')
