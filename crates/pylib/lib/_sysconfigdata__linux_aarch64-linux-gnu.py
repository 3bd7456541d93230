from _adder_build import variables

build_time_vars = variables('aarch64-linux-gnu')
