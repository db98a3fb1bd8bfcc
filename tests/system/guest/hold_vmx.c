/* SPDX-License-Identifier: MIT */
/*
 * Makes KVM use VT-x on every CPU while a command runs: hold_vmx COMMAND...
 * KVM turns VMX on with the first virtual machine and off with the last one.
 * The exit status is the command's.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int status;
	pid_t pid;
	int kvm;

	if (argc < 2) {
		fprintf(stderr, "usage: hold_vmx COMMAND...\n");
		return 2;
	}
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0) < 0) {
		perror("hold_vmx: /dev/kvm");
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("hold_vmx");
		return 125;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
