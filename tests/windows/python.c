/* python.exe: everything is in python3XX.dll. */
#include <wchar.h>

extern int Py_Main(int count, wchar_t **arguments);

int wmain(int count, wchar_t **arguments) { return Py_Main(count, arguments); }
