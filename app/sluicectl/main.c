#include <stdio.h>

#include "sluicectl.h"

int
main(int argc, char **argv)
{
	return sluicectl_run(argc, argv, stdout, stderr);
}
