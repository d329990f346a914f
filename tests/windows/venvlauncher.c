/* Scripts\python.exe of a virtual environment: starts the Python that pyvenv.cfg names, in the environment's name. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

#define LONGEST 4096

int wmain(void) {
    static wchar_t own[LONGEST], path[LONGEST], line[LONGEST];
    STARTUPINFOW start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    DWORD code = 103;
    FILE *file;

    GetModuleFileNameW(NULL, own, LONGEST);
    wcscpy(path, own);
    wcsrchr(path, L'\\')[0] = 0;
    wcscpy(wcsrchr(path, L'\\'), L"\\pyvenv.cfg"); /* one folder up */
    file = _wfopen(path, L"rt, ccs=UTF-8");
    if (!file) return 106;
    path[0] = 0;
    while (fgetws(line, LONGEST, file))
        if (!wcsncmp(line, L"home = ", 7)) {
            line[wcscspn(line, L"\r\n")] = 0;
            swprintf(path, LONGEST, L"%ls\\python.exe", line + 7);
        }
    fclose(file);

    SetEnvironmentVariableW(L"__PYVENV_LAUNCHER__", own);
    GetStartupInfoW(&start);
    if (!CreateProcessW(path, GetCommandLineW(), NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) return 105;
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    return (int)code;
}
