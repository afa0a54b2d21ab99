# cmake -Dassets="name:file;..." -Doutput=FILE -P WriteAssets.cmake: writes each file as an array of bytes.
set(text "#include \"report/assets.h\"\n\nnamespace quantize::assets {\n")
foreach(asset IN LISTS assets)
  string(REGEX MATCH "^([a-z_]+):(.*)$" matched "${asset}")
  set(name ${CMAKE_MATCH_1})
  file(READ "${CMAKE_MATCH_2}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "static const unsigned char ${name}_bytes[] = {${bytes}0};\n"
    "const std::string_view ${name}(reinterpret_cast<const char*>(${name}_bytes), sizeof ${name}_bytes - 1);\n")
endforeach()
file(WRITE ${output} "${text}}  // namespace quantize::assets\n")
